"""The executable checklist: one claim a file. Nothing imports it."""
