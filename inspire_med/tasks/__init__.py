"""Tasks: what each data set is about, one file a task, data only. The only room that names one."""
