"""The gate before a deploy: what runs is looked at, compared with the repository, and judged.

One rule: nothing is changed in what is looked at, but for the one test alert of `--page-test`.

`target.py` says what is looked at, `inspection.py` looks at all of it at the same time, and each
topic has a module of its own with what was seen, who looks, and a pure judge.
"""
