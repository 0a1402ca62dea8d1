"""What is clicked. Runs algorithms by their id and computes nothing itself."""
