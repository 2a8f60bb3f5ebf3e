"""What people read about a family of students: the page, the model cards and the terminal's table.

All three show figures of one `learn2compress.results.reports.FamilyReport` and measure nothing themselves.
"""
