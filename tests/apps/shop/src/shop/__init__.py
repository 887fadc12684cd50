"""A shop, as a team writes one that has never heard of this toolkit."""
