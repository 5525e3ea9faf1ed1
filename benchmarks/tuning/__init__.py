"""What fine-tuning costs beside other trainers: data, legs, the comparison, the card, growth."""
