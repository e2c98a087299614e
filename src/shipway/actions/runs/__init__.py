"""Run a commit: pipeline, release, proofs and deployment; resume interrupted runs."""
