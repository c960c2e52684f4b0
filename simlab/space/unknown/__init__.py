"""Which class, or none that is known: thresholds, confidence, prediction sets, anomalies."""
