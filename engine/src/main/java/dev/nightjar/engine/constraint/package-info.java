/**
 * Completions that fit a format: a format becomes a language, the language a finite automaton over
 * UTF-8 bytes, and each of its states a set of tokens that may come next. Knows nothing of models
 * and sampling.
 */
package dev.nightjar.engine.constraint;
