package dev.nightjar.job.calibrate;

import java.io.Serializable;

/**
 * What a policy made of a row.
 *
 * @param index of the row in the sample
 * @param text the answer, or null where the row failed
 * @param flops operations executed
 * @param flopsFull operations of the dense run of the same tokens
 * @param executed (token, layer) cells that ran
 * @param cells all cells
 */
record Answer(int index, String text, double flops, double flopsFull, long executed, long cells)
    implements Serializable {}
