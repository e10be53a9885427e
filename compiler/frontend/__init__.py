"""From a model to `tfl` IR: which nodes are claimed, and what they become."""
