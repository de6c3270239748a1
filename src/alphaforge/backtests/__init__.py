"""The live rules over history: fills, accounts, controls, reports; neither `await` nor I/O."""
