"""The `TeacherAsStudent` component."""
