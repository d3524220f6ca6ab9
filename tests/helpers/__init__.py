"""Shared by several test files: drawn people, made videos, a stand-in for OpenPose's binding, tiny ONNX networks."""
