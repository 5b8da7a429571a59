"""Deliver the course to a room: the hub, and what an instructor needs around it. Nothing here is imported by `course`."""
