"""The contenders, one a file; each says what it has switched on."""
