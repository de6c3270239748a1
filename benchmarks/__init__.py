"""One file a question. Figures are for one machine and one run: compare ratios."""
