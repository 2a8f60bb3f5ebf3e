"""From stored examples of many formats to the one form that students are trained and measured on."""
