"""Campaigns: planned, drawn at random, logged, measured against those who were held out."""
