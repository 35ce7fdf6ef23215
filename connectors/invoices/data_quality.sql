with

counted as (
    select
        count(*) as line_count,
        count(case when customer is null then 1 end) as without_customer,
        sum(case when customer is null then quantity * unit_price end) as amount_without_customer,
        count(case when {{ cancelled }} then 1 end) as credit_lines,
        sum(case when {{ cancelled }} and customer is not null then quantity * unit_price end) as credit_amount,
        count(case when not {{ cancelled }} and not {{ purchase }} then 1 end) as lines_of_nothing,
        count(case when unit_price < 0 then 1 end) as below_zero,
        count(case when {{ test_account }} then 1 end) as of_test_accounts,
        count(distinct invoice) as invoice_count,
        count(distinct case when customer is null then invoice end) as invoices_without_customer
    from lines
),

units as (
    select
        sum(came_back * unit_price) as amount_taken_off,
        count(case when came_back > 0 then 1 end) as lines_lowered,
        count(*) as lines_of_articles
    from returned_units
),

-- By article and price: what was credited and never bought before, in these files.
unmatched as (
    select sum(unmatched_total * unit_price) as amount
    from (
        select
            customer,
            stock_code,
            unit_price,
            max(unmatched_total) as unmatched_total
        from returned_units
        group by customer, stock_code, unit_price
    ) as articles
),

invoices as (
    select
        count(*) as invoice_count,
        count(case when order_status = 'refunded' then 1 end) as returned_whole
    from (
        select
            sold.invoice,
            case when kept.invoice is null then 'refunded' end as order_status
        from (
            select distinct invoice
            from lines
            where customer is not null and not {{ cancelled }} and {{ purchase }} and not {{ test_account }}
        ) as sold
        left join (select distinct invoice from sold_lines) as kept on sold.invoice = kept.invoice
    ) as kept_or_not
)

select
    'stg_olist__orders' as table_name,
    'invoice_line_without_customer' as rule_name,
    'a line without a customer, all of them '
    || cast(cast(coalesce(amount_without_customer, 0) as decimal(18, 2)) as string) as breach,
    'left out: nobody can be addressed' as treatment,
    true as is_unexpected,
    without_customer as affected_rows,
    line_count as checked_rows
from counted

union all

select
    'stg_olist__orders' as table_name,
    'invoice_without_customer' as rule_name,
    'an invoice or credit note without a customer' as breach,
    'left out: nobody can be addressed' as treatment,
    true as is_unexpected,
    invoices_without_customer as affected_rows,
    invoice_count as checked_rows
from counted

union all

select
    'stg_olist__orders' as table_name,
    'credit_note_line' as rule_name,
    'a line of a credit note, those of known customers '
    || cast(cast(coalesce(credit_amount, 0) as decimal(18, 2)) as string) as breach,
    'the credit note is a cancelled order; what came back lowers the invoice it was bought on' as treatment,
    false as is_unexpected,
    credit_lines as affected_rows,
    line_count as checked_rows
from counted

union all

select
    'stg_olist__order_items' as table_name,
    'line_lowered_by_a_return' as rule_name,
    'a line of which units came back, all of them '
    || cast(cast(coalesce(amount_taken_off, 0) as decimal(18, 2)) as string)
    || '; credited without a purchase before it: '
    || cast(cast(coalesce(unmatched.amount, 0) as decimal(18, 2)) as string) as breach,
    'counted with the units that were kept; what no purchase matches is left out' as treatment,
    false as is_unexpected,
    lines_lowered as affected_rows,
    lines_of_articles as checked_rows
from units
cross join unmatched

union all

select
    'stg_olist__orders' as table_name,
    'invoice_returned_whole' as rule_name,
    'an invoice of which everything came back' as breach,
    'kept in orders as refunded; not a valid purchase' as treatment,
    false as is_unexpected,
    returned_whole as affected_rows,
    invoice_count as checked_rows
from invoices

union all

select
    'stg_olist__order_items' as table_name,
    'line_of_no_units' as rule_name,
    'a line of an invoice with no units, or less than none' as breach,
    'left out' as treatment,
    true as is_unexpected,
    lines_of_nothing as affected_rows,
    line_count as checked_rows
from counted

union all

select
    'stg_olist__order_items' as table_name,
    'unit_price_below_zero' as rule_name,
    'a line whose unit price is below zero' as breach,
    'refused on an invoice of a known customer, otherwise left out' as treatment,
    true as is_unexpected,
    below_zero as affected_rows,
    line_count as checked_rows
from counted

union all

select
    'stg_olist__orders' as table_name,
    'line_of_a_test_account' as rule_name,
    'a line of a test account' as breach,
    'left out' as treatment,
    false as is_unexpected,
    of_test_accounts as affected_rows,
    line_count as checked_rows
from counted
