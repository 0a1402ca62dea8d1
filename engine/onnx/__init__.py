"""The user's own ONNX models on a scene: the model's card, its session, its output, and tiles put together."""
