"""What happens to a notification between Alertmanager and its receiver, and who promises what.

One rule: a trial breaks one thing on a bench of its own, with real components, and returns what
arrived; the claims about that are pure functions.

    an orderly stop, a refused connection    nothing lost, nothing sent twice
    kill -9, a receiver that never answers   nothing lost, and what comes twice has the same key
"""
