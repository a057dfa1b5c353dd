"""Cold start, latency, throughput and memory, each beside baselines measured in the same run."""
