/** The door: {@link dev.nightjar.engine.LlmEngine}, the only type that wires the parts together. */
package dev.nightjar.engine;
