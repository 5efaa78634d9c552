"""Airflow: the batch job every night through SparkSubmitOperator.

A failed task is tried again with the same command, which goes on where the last one stopped.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

with DAG(
    dag_id="nightjar_mail_triage",
    schedule="15 1 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    SparkSubmitOperator(
        task_id="label_mails",
        conn_id="spark_default",
        java_class="dev.nightjar.job.BatchInferenceJob",
        application="/opt/nightjar/nightjar-job-app.jar",
        conf={
            "spark.executor.memory": "2g",
            "spark.executor.memoryOverhead": "4g",
            "spark.eventLog.enabled": "true",
        },
        application_args=[
            "--config", "/opt/nightjar/conf/mail-triage.yaml",
            "--run-date", "{{ ds }}",
            "--stop-after", "5h",
            "--max-error-rate", "0.05",
        ],
    )
