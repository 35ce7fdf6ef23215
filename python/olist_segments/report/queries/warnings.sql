select severity, sentence
from build_warnings
order by severity desc, warning_name, sentence
