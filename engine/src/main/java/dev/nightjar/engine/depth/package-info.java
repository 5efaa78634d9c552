/**
 * Depth policies: which layers a token runs. Policies are immutable values that the one forward
 * pass consults through a few hooks; they know nothing of models, text or decoding.
 */
package dev.nightjar.engine.depth;
