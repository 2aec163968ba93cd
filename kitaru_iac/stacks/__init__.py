"""What is done with stacks: applied, reconciled, watched and deleted."""
