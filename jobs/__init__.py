"""What spark-submit runs: one thin file per verb."""
