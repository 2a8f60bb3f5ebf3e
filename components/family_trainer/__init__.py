"""The `FamilyTrainer` component."""
