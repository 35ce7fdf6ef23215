"""The generated marketplace as other shops export theirs: the same orders, with the dirt of each format.

A shape is SQL over the tables `orders`, `customers`, `items`, `payments` and `products` of the nine files. What a
format adds nets out: refunds take back what was charged too much, and rows that no reader should count can be told.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Literal, get_args

ShapeName = Literal["shopify", "woocommerce", "invoices", "transactions"]
SHAPE_NAMES: tuple[ShapeName, ...] = get_args(ShapeName)


@dataclass(frozen=True)
class Shape:
    """Tables made one after the other, and the query of each file's rows in their order; a file is named by its key."""

    steps: dict[str, str]
    files: dict[str, str]


# The number of an order is its place in time. Behind them come copies that a reader has to leave out: test orders and
# orders of nobody. `dice` is a number that looks drawn and follows from the order's id.
_NUMBERED = """
    with copied as (
        select *, 'real' as role from orders
        union all
        select *, 'test' as role from orders where ('0x' || left(order_id, 7))::integer % 83 = 1
        union all
        select *, 'nobody' as role from orders where ('0x' || left(order_id, 7))::integer % 61 = 1
    )
    select
        copied.order_id,
        copied.role,
        copied.order_status,
        copied.order_purchase_timestamp as purchased_at,
        copied.order_approved_at as approved_at,
        copied.order_delivered_carrier_date as carrier_at,
        customers.customer_unique_id || '@mail.example' as email,
        customers.customer_zip_code_prefix as zip,
        customers.customer_city as city,
        customers.customer_state as state,
        ('0x' || left(copied.order_id, 7))::integer as dice,
        row_number() over (
            order by copied.role <> 'real', copied.role, copied.order_purchase_timestamp, copied.order_id
        ) as number
    from copied
    join customers on copied.customer_id = customers.customer_id
"""
# Equal items of an order are one line of several units.
_LINES = """
    select
        items.order_id,
        items.product_id,
        items.seller_id,
        items.price,
        products.product_category_name as category,
        count(*) as quantity,
        row_number() over (partition by items.order_id order by min(items.order_item_id)) as line
    from items
    left join products on items.product_id = products.product_id
    group by items.order_id, items.product_id, items.seller_id, items.price, products.product_category_name
"""
_TOTALS = """
    select
        order_id,
        sum(price) as item_total,
        sum(freight_value) as freight,
        count(distinct (product_id, price)) as line_count
    from items
    group by order_id
"""
# What is charged beyond the nine files: twice as much for some orders, half of it refunded or discounted, and 10.00
# more for some of one line, refunded as well. What Olist lost is cancelled, or refunded in full if it has items.
_CHARGED = """
    select
        numbered.*,
        coalesce(item_total, 0) as item_total,
        coalesce(freight, 0) as freight,
        coalesce(line_count, 0) as line_count,
        order_status in ('canceled', 'unavailable') as is_lost,
        is_lost and item_total > 0 and dice % 2 = 0 as is_returned,
        not is_lost and role = 'real' and item_total > 0 and dice % 10 = 2 as is_refunded,
        not is_lost and item_total > 0 and dice % 10 = 3 as is_discounted,
        is_refunded and line_count = 1 and dice % 20 = 2 and item_total > 10 as is_surcharged,
        case when is_surcharged then 1 when is_refunded or is_discounted then 2 else 1 end as factor,
        case when is_surcharged then 10 when is_refunded then item_total else 0 end::decimal(18, 2) as refund,
        case when is_discounted then item_total else 0 end::decimal(18, 2) as discount,
        (coalesce(item_total, 0) + coalesce(freight, 0) + refund)::decimal(18, 2) as total,
        case when dice % 5 = 0 then upper(email) || ' ' else email end as written_email
    from numbered
    left join totals on numbered.order_id = totals.order_id
"""
_MAIN_PAYMENT = """
    select order_id, max_by(payment_type, payment_value) as payment_type
    from payments
    group by order_id
"""
_STREET = """case
    when dice % 3 = 0 then 'Rua "das Flores", ' || dice % 900 || chr(10) || 'Apto ' || dice % 70
    else 'Avenida Central, ' || dice % 2000
end"""
_STEPS = {
    "numbered": _NUMBERED,
    "lines": _LINES,
    "totals": _TOTALS,
    "charged": _CHARGED,
    "main_payments": _MAIN_PAYMENT,
}
# A line of an order that has none is there all the same, and empty.
_ROWS = """
    from charged
    left join lines on charged.order_id = lines.order_id
    left join main_payments on charged.order_id = main_payments.order_id
"""
# A line's price: the surcharge of a single line is spread over its units, and is 10.00 on one unit.
_UNIT_PRICE = "(price * factor + case when is_surcharged then 10 / quantity else 0 end)::decimal(18, 2)"

_SHOPIFY_HEADER = next(
    csv.reader(
        [
            "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
            "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
            "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
            "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
            "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,"
            "Billing Phone,Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,"
            "Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,"
            "Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,"
            "Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,"
            "Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,"
            "Duties,Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,"
            "Payment References"
        ]
    )
)


def _offset(time: str) -> str:
    """A time on the clock of São Paulo as Shopify writes it, with the offset of that day."""
    return f"""{time}::varchar || case
        when {time} between '2016-10-16' and '2017-02-19' or {time} between '2017-10-15' and '2018-02-18' then ' -0200'
        else ' -0300'
    end"""


def _selected(header: list[str], values: dict[str, str]) -> str:
    """The columns of a file; those without a value are empty."""
    return ", ".join(f"""{values.get(name, "null::varchar")} as "{name}\"""" for name in header)


def _shopify() -> Shape:
    of_order = {
        "Financial Status": """case
            when not is_lost and approved_at is null then 'pending'
            when is_refunded then 'partially_refunded'
            when not is_lost then 'paid'
            when is_returned then 'refunded'
            else 'voided'
        end""",
        "Paid at": _offset("approved_at"),
        "Fulfillment Status": "case when carrier_at is null then 'unfulfilled' else 'fulfilled' end",
        "Fulfilled at": _offset("carrier_at"),
        "Accepts Marketing": "case when dice % 4 = 0 then 'yes' else 'no' end",
        "Currency": "'BRL'",
        "Subtotal": "(item_total + refund)::decimal(18, 2)",
        "Shipping": "freight",
        "Taxes": "'0.00'",
        "Total": "total",
        "Discount Code": "case when is_discounted then 'METADE' end",
        "Discount Amount": "discount",
        "Shipping Method": "'Entrega padrão'",
        "Shipping Name": "'Cliente ' || dice % 1000",
        "Shipping Street": _STREET,
        "Shipping City": "city",
        "Shipping Zip": "'''' || zip || '-' || lpad((dice % 1000)::varchar, 3, '0')",
        "Shipping Province": "state",
        "Shipping Country": "'BR'",
        "Cancelled at": f"""case
            when is_lost and not is_returned then {_offset("(purchased_at + interval 1 day)")}
        end""",
        "Payment Method": """case
            when role = 'test' and dice % 2 = 0 then 'bogus'
            when payment_type = 'credit_card' then 'Shopify Payments'
            else payment_type
        end""",
        "Refunded Amount": "case when is_returned then total else refund end",
        "Outstanding Balance": "'0.00'",
        "Id": "5550000000 + number",
        "Tags": "case when role = 'test' then 'loja, test' when dice % 6 = 0 then 'atacado, contest' end",
        "Risk Level": "'Low'",
        "Source": "'web'",
    }
    of_line = {
        "Name": "'#' || (1000 + number)",
        "Email": """case
            when role = 'nobody' then null
            when role = 'test' and dice % 2 = 1 then 'loja@example.com'
            else written_email
        end""",
        "Created at": _offset("purchased_at"),
        "Lineitem quantity": "quantity",
        "Lineitem name": "'Produto ' || left(product_id, 6)",
        "Lineitem price": _UNIT_PRICE,
        "Lineitem sku": "product_id",
        "Lineitem requires shipping": "case when line is not null then 'true' end",
        "Lineitem taxable": "case when line is not null then 'true' end",
        "Lineitem fulfillment status": "case when line is not null then 'pending' end",
        "Vendor": "seller_id",
        "Lineitem discount": "case when line is not null then '0.00' end",
    }
    firsts = {name: f"case when coalesce(line, 1) = 1 then {value} end" for name, value in of_order.items()}
    rows = f"select {_selected(_SHOPIFY_HEADER, firsts | of_line)} {_ROWS}"
    half = "(select count(*) // 2 from charged)"
    newest_first = "order by number desc, line"
    return Shape(
        _STEPS,
        {
            "orders_export_1.csv": f"{rows} where number <= {half} {newest_first}",
            "orders_export_2.csv": f"{rows} where number > {half} {newest_first}",
        },
    )


def _woocommerce() -> Shape:
    values = {
        "Order Number": "1000 + number",
        "Order Status": """case
            when is_returned then 'Refunded'
            when is_lost and dice % 3 = 0 then 'Pending payment'
            when is_lost then case when dice % 3 = 1 then 'Failed' else 'Cancelled' end
            when order_status in ('delivered', 'shipped') and dice % 2 = 0 then 'wc-completed'
            when order_status in ('delivered', 'shipped') then 'Completed'
            when order_status = 'created' then 'On hold'
            else 'Processing'
        end""",
        "Order Date": "purchased_at::varchar",
        "Customer Note": "case when dice % 9 = 0 then 'Por favor,' || chr(10) || 'sem \"nota\"' end",
        "Email (Billing)": """case
            when role = 'nobody' then null when role = 'test' then 'loja@example.com' else written_email
        end""",
        "Address 1&2 (Shipping)": _STREET,
        "City (Shipping)": "city",
        "State Code (Shipping)": "state",
        "Postcode (Shipping)": "zip || '-' || lpad((dice % 1000)::varchar, 3, '0')",
        "Country Code (Shipping)": "'BR'",
        "Payment Method Title": "payment_type",
        "Paid Date": "approved_at::varchar",
        "Currency": "'BRL'",
        "Cart Discount Amount": "discount",
        "Order Subtotal Amount": "(item_total + refund + discount)::decimal(18, 2)",
        "Order Shipping Amount": "freight",
        "Order Refund Amount": "case when is_returned then total else refund end",
        "Order Total Amount": "total",
        "Order Total Tax Amount": "'0.00'",
        "SKU": "product_id",
        "Item #": "line",
        "Item Name": "'Produto ' || left(product_id, 6)",
        "Quantity": "quantity",
        "Item Cost": _UNIT_PRICE,
        "Category": "category",
        "Item Seller": "seller_id",
        "Coupon Code": "case when is_discounted then 'metade' end",
    }
    rows = f"select {_selected(list(values), values)} {_ROWS} order by number desc, line"
    return Shape(_STEPS, {"orders-2018-11-01.csv": rows})


# Invoices know what was billed and credited: the order's freight is a line of its own, a cancelled order is credited
# whole, and of some lines more was billed than was kept.
_INVOICE_LINES = """
    select number, role, email, purchased_at, dice, is_lost, product_id as code, line, quantity, price,
        case when not is_lost and role = 'real' and dice % 10 = 2 and line = 1 then 1 + dice % 3 else 0 end as returned
    from charged join lines on charged.order_id = lines.order_id
    union all
    select number, role, email, purchased_at, dice, is_lost, 'POST', 1000, 1, freight, 0
    from charged
    where freight > 0
"""
_INVOICE_CUSTOMERS = """
    select customer_unique_id || '@mail.example' as email, 12345 + row_number() over (order by customer_unique_id) as id
    from (select distinct customer_unique_id from customers)
"""


def _invoices() -> Shape:
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    of_line = {
        "StockCode": "code",
        "Description": "case when code = 'POST' then 'POSTAGE' else 'PRODUTO ' || upper(left(code, 6)) end",
        "UnitPrice": "price",
        "CustomerID": "case when role = 'nobody' then null else id end",
        "Country": "'Brazil'",
    }
    billed = of_line | {
        "InvoiceNo": "(536000 + number)::varchar",
        "Quantity": "quantity + returned",
        "InvoiceDate": "purchased_at::varchar",
    }
    credited = of_line | {
        "InvoiceNo": "'C' || (536000 + number)",
        "Quantity": "case when is_lost then -quantity else -returned end",
        "InvoiceDate": "(purchased_at + interval (1 + dice % 20) day)::varchar",
    }
    rows = "from invoice_lines join invoice_customers using (email) where role in ('real', 'nobody')"
    return Shape(
        _STEPS | {"invoice_lines": _INVOICE_LINES, "invoice_customers": _INVOICE_CUSTOMERS},
        {
            "invoices.csv": f"""
                select {", ".join(f'"{name}"' for name in header)} from (
                    select {_selected(header, billed)}, number, line, 0 as turn {rows}
                    union all
                    select {_selected(header, credited)}, number, line, 1 as turn {rows} and (is_lost or returned > 0)
                )
                order by number, turn, line
            """
        },
    )


def _transactions() -> Shape:
    # Who only keeps the payments never sees an order that came to nothing.
    values = {
        "customer": "case when role = 'nobody' then null else id end",
        "date": "purchased_at::varchar",
        "amount": "(item_total + freight)::decimal(18, 2)",
    }
    return Shape(
        _STEPS | {"invoice_customers": _INVOICE_CUSTOMERS},
        {
            "transactions.csv": f"""
                select {_selected(list(values), values)}
                from charged join invoice_customers using (email)
                where role in ('real', 'nobody') and not is_lost and item_total > 0
                order by purchased_at, number
            """
        },
    )


SHAPES: dict[ShapeName, Shape] = {
    "shopify": _shopify(),
    "woocommerce": _woocommerce(),
    "invoices": _invoices(),
    "transactions": _transactions(),
}
