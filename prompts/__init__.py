"""Prompt templates, read as package data."""
