/**
 * What a job's output has of its runs: which were started, with what, which chunks they committed,
 * and the lock that keeps two runs apart.
 */
package dev.nightjar.job.ledger;
