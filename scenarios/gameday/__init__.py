"""A game day: people watch, and respond, while drills break a service under stop conditions.

The drills are those of the checklist, run by the same engine; what is here announces them, stops
them, times who responds, and writes down what happened.
"""
