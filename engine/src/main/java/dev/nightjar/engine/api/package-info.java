/**
 * Values that cross the engine's door: requests, results, parameters, errors. A leaf: it depends on
 * nothing of ours.
 */
package dev.nightjar.engine.api;
