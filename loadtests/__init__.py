"""Locust users and the plan that they follow; run as a process, imported by no other room."""
