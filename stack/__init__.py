"""What watches the service: its configuration, and the code that scales, launches and reads it."""
