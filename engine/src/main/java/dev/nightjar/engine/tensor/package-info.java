/**
 * Numbers as they lie in model files: element types, tensors over mapped memory, and where tensors
 * come from.
 */
package dev.nightjar.engine.tensor;
