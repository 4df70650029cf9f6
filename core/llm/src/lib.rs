//! cuba-llm
