"""What several test files share: drawn people, a stand-in for OpenPose's binding, tiny ONNX networks."""
