/** Applications: the batch job, the demo and the command line. */
package dev.nightjar.job;
