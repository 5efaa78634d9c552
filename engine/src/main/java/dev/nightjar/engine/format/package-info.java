/**
 * Readers and writers of model files: safetensors, Hugging Face folders, GGUF. Files are untrusted.
 */
package dev.nightjar.engine.format;
