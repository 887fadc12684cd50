"""What normal is, read from a real Prometheus, beside what the rules take for too much.

One rule: it only reads. What it proposes is a patch that a person applies.
"""
