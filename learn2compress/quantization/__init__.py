"""From a trained student to the file that ships: 8-bit training, recipes, conversion, the choice between files."""
