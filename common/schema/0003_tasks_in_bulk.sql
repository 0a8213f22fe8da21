-- Nobody looks for tasks by their subject, and every change of a task had to write it there anew.
DROP INDEX task_subject;
