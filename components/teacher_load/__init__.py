"""The `TeacherLoad` component."""
