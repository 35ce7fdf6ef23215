-- What is left out or changed, counted: rows of the table data_quality.
select
    'stg_olist__orders' as table_name,
    'order_line_without_customer' as rule_name,
    'a line without an e-mail address' as breach,
    'left out: nobody can be addressed' as treatment,
    true as is_unexpected,
    count(case when email is null then 1 end) as affected_rows,
    count(*) as checked_rows
from order_lines

union all

select
    'stg_olist__orders' as table_name,
    'order_line_of_a_test_account' as rule_name,
    'a line of a test account' as breach,
    'left out' as treatment,
    false as is_unexpected,
    count(case when {{ test_account }} then 1 end) as affected_rows,
    count(*) as checked_rows
from order_lines
