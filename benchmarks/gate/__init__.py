"""The regression gate: a few ratios, each held against what it was when somebody accepted it with a reason.

`questions` asks them, `measured` answers in a process of its own, `baseline` is what was accepted and for which kind of
machine, `comparison` judges, and `benchmarks.check` is the command. See docs/decisions/0025-the-regression-gate.md.
"""
