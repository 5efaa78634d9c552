/**
 * The model functions of Spark SQL: calls in expressions become operators of the plan that run the
 * engine over whole partitions. All code that depends on Catalyst, which is not a stable interface,
 * is here.
 */
package dev.nightjar.udfs.sql;
