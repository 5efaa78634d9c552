/** The demo: a real corpus labelled by the embedded model, checked against its gold records. */
package dev.nightjar.job.demo;
