"""The `JointDistillTrainer` component."""
