select
    'stg_olist__orders' as table_name,
    'transaction_without_customer' as rule_name,
    'a transaction whose customer is not told' as breach,
    'left out: nobody can be addressed' as treatment,
    true as is_unexpected,
    count(case when customer is null then 1 end) as affected_rows,
    count(*) as checked_rows
from all_rows

union all

select
    'stg_olist__orders' as table_name,
    'refund_without_its_purchase' as rule_name,
    'a transaction of less than nothing, all of them '
    || cast(coalesce(sum(case when {{ refunded }} then amount end), 0) as string) as breach,
    'left out: the file does not say which purchase it belongs to' as treatment,
    true as is_unexpected,
    count(case when {{ refunded }} then 1 end) as affected_rows,
    count(*) as checked_rows
from all_rows

union all

select
    'stg_olist__orders' as table_name,
    'transaction_of_a_test_account' as rule_name,
    'a transaction of a test account' as breach,
    'left out' as treatment,
    false as is_unexpected,
    count(case when {{ test_account }} then 1 end) as affected_rows,
    count(*) as checked_rows
from all_rows
