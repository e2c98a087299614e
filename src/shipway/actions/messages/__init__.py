"""What others are told: forges, by statuses and comments, and people, by notifications."""
