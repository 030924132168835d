"""Arrays -> model. The only place that imports Keras."""
